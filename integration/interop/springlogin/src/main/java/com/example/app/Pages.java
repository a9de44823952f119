package com.example.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.endpoint.OAuth2RefreshTokenGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientRefreshTokenTokenResponseClient;
import org.springframework.security.oauth2.core.OAuth2AuthorizationException;
import org.springframework.security.oauth2.core.endpoint.OAuth2AccessTokenResponse;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.util.HtmlUtils;

/** The app of one person: what it keeps besides Spring's session is that person's. */
@RestController
class Pages {

  private final OAuth2AuthorizedClientService clients;
  private final RestClientRefreshTokenTokenResponseClient refresher = new RestClientRefreshTokenTokenResponseClient();
  private OAuth2AuthorizedClient kept; // what a logout leaves for "again"
  private String refreshed; // the access token of the last refresh

  Pages(OAuth2AuthorizedClientService clients) {
    this.clients = clients;
  }

  @GetMapping(value = "/", produces = "text/html;charset=utf-8")
  String show(HttpServletRequest request, Authentication who, @AuthenticationPrincipal OidcUser user) throws JsonProcessingException {
    Map<String, Object> state = new LinkedHashMap<>();
    if (user != null) {
      OAuth2AuthorizedClient now = clients.loadAuthorizedClient("signet", who.getName());
      if (kept == null || !now.getAccessToken().getTokenValue().equals(kept.getAccessToken().getTokenValue())) {
        kept = now;
        refreshed = now.getAccessToken().getTokenValue();
      }
      state.put("sub", user.getSubject());
      state.put("sid", user.getClaimAsString("sid"));
      state.put("amr", user.getAuthenticationMethods());
      if (user.getAuthenticatedAt() != null) {
        state.put("auth_time", user.getAuthenticatedAt().getEpochSecond());
      }
      state.put("email", user.getUserInfo().getEmail());
      state.put("access_token", refreshed);
    }
    Object error = request.getSession().getAttribute(Security.ERROR);
    if (error != null) {
      state.put("error", error);
    }
    String json = HtmlUtils.htmlEscape(new ObjectMapper().writeValueAsString(state));
    return "<!doctype html><title>springlogin</title><pre id=\"state\">" + json + "</pre>";
  }

  @GetMapping("/login")
  void login(HttpServletRequest request, HttpServletResponse response) throws IOException {
    request.getSession().removeAttribute(Security.ERROR);
    String query = request.getQueryString();
    response.sendRedirect("/oauth2/authorization/signet" + (query == null ? "" : "?" + query));
  }

  @GetMapping({"/refresh", "/again"})
  void refresh(HttpServletRequest request, HttpServletResponse response) throws IOException {
    request.getSession().removeAttribute(Security.ERROR);
    try {
      OAuth2AccessTokenResponse fresh = refresher.getTokenResponse(
          new OAuth2RefreshTokenGrantRequest(kept.getClientRegistration(), kept.getAccessToken(), kept.getRefreshToken()));
      kept = new OAuth2AuthorizedClient(kept.getClientRegistration(), kept.getPrincipalName(), kept.getAccessToken(), fresh.getRefreshToken());
      refreshed = fresh.getAccessToken().getTokenValue();
    } catch (OAuth2AuthorizationException refused) {
      request.getSession().setAttribute(Security.ERROR, refused.getError().getErrorCode());
    }
    response.sendRedirect("/");
  }
}
