package com.example.api;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtDecoders;
import org.springframework.security.oauth2.jwt.JwtIssuerValidator;
import org.springframework.security.oauth2.jwt.JwtTimestampValidator;
import org.springframework.security.oauth2.jwt.JwtTypeValidator;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationConverter;
import org.springframework.security.oauth2.server.resource.authentication.JwtGrantedAuthoritiesConverter;
import org.springframework.security.web.SecurityFilterChain;

import java.time.Duration;
import java.util.Collection;

/** What a resource server has to insist on (RFC 9068 §4), in Spring's words. */
@Configuration
class Security {

  @Bean
  SecurityFilterChain chain(HttpSecurity http) throws Exception {
    return http
        .authorizeHttpRequests(r -> r.requestMatchers("/admin").hasRole("admin").anyRequest().authenticated())
        .sessionManagement(s -> s.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
        .oauth2ResourceServer(o -> o.jwt(Customizer.withDefaults()))
        .build();
  }

  /** Keys are found by discovery; algorithms are never taken from the token. */
  @Bean
  JwtDecoder decoder(@Value("${ISSUER:http://localhost:8080}") String issuer, @Value("${AUDIENCE:${ISSUER:http://localhost:8080}}") String audience) {
    NimbusJwtDecoder decoder = NimbusJwtDecoder.withIssuerLocation(issuer)
        .jwsAlgorithms(algorithms -> {
          algorithms.add(SignatureAlgorithm.ES256);
          algorithms.add(SignatureAlgorithm.RS256);
        })
        .validateType(false) // Nimbus would take "JWT" and no type: the validator below wants at+jwt
        .build();
    decoder.setJwtValidator(validators(issuer, audience));
    return decoder;
  }

  private static OAuth2TokenValidator<Jwt> validators(String issuer, String audience) {
    JwtTypeValidator type = new JwtTypeValidator("at+jwt");
    type.setAllowEmpty(false); // an ID token must not pass for an access token
    return new DelegatingOAuth2TokenValidator<>(
        type,
        new JwtIssuerValidator(issuer),
        new JwtClaimValidator<Collection<String>>("aud", aud -> aud != null && aud.contains(audience)),
        new JwtClaimValidator<>("exp", exp -> exp != null),
        new JwtClaimValidator<>("sub", sub -> sub != null),
        new JwtClaimValidator<>("cnf", cnf -> cnf == null), // bound to a key: no bearer token (RFC 9449 §7.1)
        new JwtTimestampValidator(Duration.ofSeconds(10)));
  }

  @Bean
  JwtAuthenticationConverter roles() {
    JwtGrantedAuthoritiesConverter authorities = new JwtGrantedAuthoritiesConverter();
    authorities.setAuthoritiesClaimName("roles");
    authorities.setAuthorityPrefix("ROLE_");
    JwtAuthenticationConverter converter = new JwtAuthenticationConverter();
    converter.setJwtGrantedAuthoritiesConverter(authorities);
    return converter;
  }
}
